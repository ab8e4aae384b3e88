"""The models of tortoise-orm's tests, in a module of their own as tortoise wants them."""

from tortoise import fields
from tortoise.models import Model


class Item(Model):
    """Something in a shop."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50)
