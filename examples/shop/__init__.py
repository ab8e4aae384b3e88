"""A small shop: an aiohttp service over SQLite that takes orders, and the customers who place them.

cd examples && tenure run -m shop --seconds 30

__main__     the command line, start and clean stop
service      the web application: routes, answers
orders       placing an order: stock and payment at once, then the order itself
stock        reserving goods, giving them back, deliveries
database     the schema and transactions
pool         a pool of database connections
bank         the slow upstream (an application of its own) and the client for it
bookkeeper   reads the day's takings now and then, with a connection of its own
customers    steady traffic: some impatient, some unlucky
tally        counts what the program entered, independently of any tracer
"""
