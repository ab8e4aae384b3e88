"""The live feed: what a dashboard has subscribed to, and the changes that it is sent."""
