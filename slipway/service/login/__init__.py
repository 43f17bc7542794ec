"""How a person logs in to the page: a password, an OpenID Connect provider, or a proxy that has asked already."""
