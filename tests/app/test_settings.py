"""Settings: flags over variables over safe defaults, and one sentence for each that cannot be used."""

from pathlib import Path

import pytest

from app.settings import OPTIONS, SettingError, Settings, default_workers, from_command, from_environment


def test_defaults_are_for_this_machine_only():
    expected = Settings(
        host="127.0.0.1", port=5000, workers=default_workers(), trusted_hosts=("127.0.0.1", "localhost", "[::1]")
    )
    assert from_environment({}) == from_command([], {}) == expected
    assert (expected.proxies, expected.prefix, expected.state, expected.secret_key) == (0, "", None, None)


def test_from_command_prefers_flags_to_variables():
    environ = {"FRAUD_PORT": "81", "FRAUD_TRUSTED_HOSTS": "a.example, .b.example", "FRAUD_FOLDER": "/models/one"}
    settings = from_command(["--port", "82", "--proxies", "1"], environ)
    assert (settings.port, settings.proxies, settings.folder) == (82, 1, Path("/models/one"))
    assert settings.trusted_hosts == ("a.example", ".b.example")


@pytest.mark.parametrize(
    ("host", "kept", "url"),
    [
        ("::1", "::1", "http://[::1]:5000"),
        ("[::1]", "::1", "http://[::1]:5000"),
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:5000"),
        ("localhost", "localhost", "http://localhost:5000"),
    ],
)
def test_host_may_be_an_address_of_ipv6(host, kept, url):
    settings = from_command(["--host", host], {})
    assert (settings.host, settings.url) == (kept, url)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("host", "two words", "is no host to listen on"),
        ("port", "0", "0 is no port; choose a number from 1 to 65535."),
        ("workers", "0", "0 is no number of workers; choose a number from 1 to 64."),
        ("workers", "many", "many is no number of workers"),
        ("trusted_hosts", "https://a.example", "is no list of hosts"),
        ("trusted_hosts", "a.example:80", "is no list of hosts"),
        ("trusted_hosts", "", "is no list of hosts"),
        ("trusted_hosts", "my_host", "is no list of hosts"),
        ("trusted_hosts", "[::g]", "is no list of hosts"),
        ("trusted_hosts", "[localhost]", "is no list of hosts"),
        ("proxies", "-1", "-1 is no number of proxies"),
        ("folder", "", "An empty path is no folder"),
        ("state", " ", "An empty path is no folder"),
        ("prefix", "fraud", "is no prefix"),
        ("prefix", "/fraud/", "is no prefix"),
        ("secret_key", "short", "at least 16 random characters"),
    ],
)
def test_a_bad_value_is_told_in_one_sentence(name, value, words, capsys):
    variable = f"FRAUD_{name.upper()}"
    with pytest.raises(SettingError, match=f"^{variable}: ") as refused:
        from_environment({variable: value})
    assert words in str(refused.value)
    with pytest.raises(SystemExit) as left:
        from_command([f"--{name.replace('_', '-')}={value}"], {}) if name in OPTIONS else from_command(
            [], {variable: value}
        )
    said = capsys.readouterr().err.splitlines()
    assert left.value.code == 2 and words in said[-1] and not any("Traceback" in line for line in said)


def test_settings_do_not_show_the_key():
    assert "0123456789abcdef" not in repr(from_environment({"FRAUD_SECRET_KEY": "0123456789abcdef"}))
