"""The pages of the login: the form, the way to a provider and back, and logging out."""
