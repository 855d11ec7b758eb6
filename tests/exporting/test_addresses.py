"""The addresses under which a phone finds this machine."""

from types import SimpleNamespace

from facevae.exporting import addresses


def adapter(name, *ips):
    return SimpleNamespace(name=name, ips=[SimpleNamespace(ip=ip) for ip in ips])


def test_addresses_that_no_phone_opens_are_left_out_and_the_main_one_is_first(monkeypatch):
    adapters = [
        adapter("lo", "127.0.0.1", ("::1", 0, 0)),
        adapter("docker0", "172.17.0.1"),
        adapter("eth0", "10.0.0.5", "169.254.3.4"),
        adapter("wlan0", "192.168.1.7"),
    ]
    monkeypatch.setattr("ifaddr.get_adapters", lambda: adapters)
    monkeypatch.setattr(addresses, "_main_address", lambda: "192.168.1.7")
    assert addresses.network_addresses() == ["192.168.1.7", "10.0.0.5"]
    monkeypatch.setattr(addresses, "_main_address", lambda: None)
    assert addresses.network_addresses() == ["10.0.0.5", "192.168.1.7"]
