"""A Django project in one file."""

import sys

import work
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path

settings.configure(DEBUG=True, SECRET_KEY="of a test", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


async def ready(request):
    return HttpResponse("ready")


async def show(request, item):
    await work.use()
    return HttpResponse(item)


urlpatterns = [path("ready", ready), path("items/<item>", show)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
