"""What all tests share: the fixtures' plugins, and hypothesis without time limits."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.kit.fixtures_postgres", "tests.kit.fixtures_switch"]

# How fast a machine is says nothing about whether the code is right.
settings.register_profile("kamcti", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kamcti")
