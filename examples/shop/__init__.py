"""A small shop: an aiohttp service over SQLite that takes orders, and the customers who place them.

cd examples && tenure run -m shop --seconds 30

__main__     the command line, start and clean stop
service      the web application: routes, answers
orders       placing an order: stock and payment at once, then the order itself
stock        reserving goods, returning them, deliveries
database     the schema and transactions
pool         a pool of database connections
bank         the slow upstream service (a separate application) and its client
bookkeeper   reads the total of all orders at intervals, with its own connection
customers    steady traffic; some customers hang up, some order twice
tally        counts what the program enters, independently of any tracer
"""
