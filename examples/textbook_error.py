"""An exception inside the block: the connection is closed, and the exception propagates.

tenure run -o textbook_error.mmd examples/textbook_error.py
"""

import asyncio
import sys

from textbook import AsyncDatabaseConnection


async def main():
    async with AsyncDatabaseConnection():
        raise ValueError("the query has no WHERE")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except ValueError as error:
        sys.exit(f"failed: {error}")
