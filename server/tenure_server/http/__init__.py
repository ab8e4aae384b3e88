"""What all addresses share: routes, parameters, bodies, security, and errors as problem documents."""
