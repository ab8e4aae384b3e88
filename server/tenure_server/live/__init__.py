"""The live feed: the subscriptions of dashboards, and the changes that are sent to them."""
