"""What every address shares: routes, parameters, bodies, security, and errors as problem documents."""
