"""Between the network and the application: who may be connected, and for how long."""
