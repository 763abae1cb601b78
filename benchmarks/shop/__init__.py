"""A small Django project with one page as shops have it: session, user, category, page of products, their number."""
