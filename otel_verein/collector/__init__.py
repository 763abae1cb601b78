"""The collector's configuration, rendered from ours: topologies, tiers, backends.

:func:`~otel_verein.collector.render.render` is pure; what it gives runs on the collector of
``collector-config/manifest.yaml``, and on a stock one that is new enough.
"""
