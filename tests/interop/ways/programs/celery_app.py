"""A Celery application whose queue is a directory; run as a program, it sends twelve tasks."""

import asyncio
import os

import work
from celery import Celery

app = Celery("shop", broker="filesystem://")
_FOLDERS = ("data_folder_in", "data_folder_out", "control_folder")
app.conf.broker_transport_options = dict.fromkeys(_FOLDERS, os.environ["WAY_QUEUE"])


@app.task(name="show")
def show(item):
    asyncio.run(work.use())


if __name__ == "__main__":
    for item in range(12):
        show.delay(item)
