pytest_plugins = ["tests.kit.fixtures_postgres"]
