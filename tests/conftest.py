pytest_plugins = ["tests.kit.fixtures_postgres", "tests.kit.fixtures_switch"]
