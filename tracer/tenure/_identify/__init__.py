"""Who and what: resources, sites, tasks, exceptions, and who cancelled."""
