"""Addresses of machines: those of the Internet that are somebody's, however they are written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recognised import found

from adaptline.data.personal.network import ips, macs


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_what_is_not_of_the_internet_is_nobodys(address: ipaddress.IPv4Address) -> None:
    values = found(ips, f"client {address} said")
    assert values in ([], [str(address)])
    if not address.is_global:
        assert values == []
    elif 20 <= address.packed[0] < 192:  # elsewhere there are resolvers that all use, and multicast
        assert values == [str(address)]


@settings(max_examples=100, deadline=None)
@given(st.ip_addresses(network="2a00::/12"))
def test_an_address_is_the_same_short_and_in_full(address: ipaddress.IPv6Address) -> None:
    for written in (str(address), address.exploded, address.exploded.upper()):
        assert found(ips, f"from [{written}]") == [written]


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.100.7", "172.20.1.1", "100.64.3.4", "fd00::1:2", "fe80::1"])
def test_private_addresses_are_found_where_they_are_asked_for(address: str) -> None:
    assert found(ips, f"host {address}") == []
    assert found(ips, f"host {address}", private=True) == [address]


@pytest.mark.parametrize("form", ["{}:{}:{}:{}:{}:{}", "{}-{}-{}-{}-{}-{}", "{}{}.{}{}.{}{}"])
def test_hardware_addresses_have_three_forms(form: str) -> None:
    value = form.format("a4", "5e", "60", "01", "02", "0f")
    assert found(macs, f"wlan0 {value} up") == [value]
    digits = form.format("20", "01", "05", "12", "30", "55")
    assert found(macs, f"at {digits}") == []
    assert found(macs, f"mac {digits}") == [digits]
