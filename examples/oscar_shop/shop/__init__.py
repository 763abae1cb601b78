"""A django-oscar shop: its models, views and templates are oscar's; only settings and data are ours."""
