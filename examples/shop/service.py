from aiohttp import web

from .bank import Declined
from .orders import DuplicateOrder, Orders
from .stock import OutOfStock, Stock
from .tally import handled


class Service:
    """The shop's web application."""

    def __init__(self, stock: Stock, orders: Orders) -> None:
        self.stock = stock
        self.orders = orders

    async def list_products(self, request: web.Request) -> web.Response:
        handled("GET /products")
        return web.json_response(await self.stock.products())

    async def place_order(self, request: web.Request) -> web.Response:
        handled("POST /orders")
        order = await request.json()
        try:
            placed = await self.orders.place(order["reference"], order["customer"], order["basket"])
        except (OutOfStock, DuplicateOrder) as refused:
            raise web.HTTPConflict(text=str(refused)) from None
        except Declined as refused:
            raise web.HTTPPaymentRequired(text=str(refused)) from None
        except TimeoutError:
            raise web.HTTPGatewayTimeout(text="the bank did not answer in time") from None
        return web.json_response(placed, status=web.HTTPCreated.status_code)

    async def show_order(self, request: web.Request) -> web.Response:
        handled("GET /orders/{number}")
        order = await self.orders.find(int(request.match_info["number"]))
        if order is None:
            raise web.HTTPNotFound(text="no such order")
        return web.json_response(order)

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/products", self.list_products),
                web.post("/orders", self.place_order),
                web.get(r"/orders/{number:\d+}", self.show_order),
            ]
        )
        return app
