"""Derived secrets: against the algorithm written out from RFC 5869, and by what a derivation must never do."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.catalogue.secrets import SecretRef, text
from ggi.engine.secrets import SecretResolver, encode, new_root_key, parse_root_key
from ggi.errors import InputError

KEY = bytes(range(32))
names = st.from_regex(r"[a-z][a-z0-9-]{0,15}(/[a-z][a-z0-9-]{0,15}){0,3}", fullmatch=True)
refs = st.builds(SecretRef, st.just("derived"), names, st.integers(1, 50), st.sampled_from((30, 32, 64)))


def hkdf(key: bytes, info: bytes, size: int, salt: bytes = b"") -> bytes:
    """RFC 5869, section 2: extract, then expand."""
    extracted = hmac.new(salt or bytes(32), key, sha256).digest()
    made, block, counter = b"", b"", 0
    while len(made) < size:
        counter += 1
        block = hmac.new(extracted, block + info + bytes([counter]), sha256).digest()
        made += block
    return made[:size]


def test_the_algorithm_written_out_gives_the_vectors_of_the_rfc() -> None:
    # RFC 5869, appendix A.1 and A.3.
    first = hkdf(bytes([0x0B] * 22), bytes(range(0xF0, 0xFA)), 42, bytes(range(13)))
    assert first.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    third = hkdf(bytes([0x0B] * 22), b"", 42)
    assert third.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"


@given(refs, names)
def test_a_derived_value_is_hkdf_of_stack_path_and_counter(ref: SecretRef, stack: str) -> None:
    value = SecretResolver(KEY, stack).value(ref)
    assert base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)) == hkdf(
        KEY, f"ggi1|{stack}|{ref.path}|{ref.counter}".encode(), ref.size
    )
    assert len(value) == -(-ref.size * 4 // 3)
    assert set(value) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.lists(st.tuples(names, refs), min_size=2, max_size=8, unique_by=lambda t: (t[0], t[1].path, t[1].counter)))
def test_no_two_secrets_of_any_stack_are_the_same_or_begin_the_same(wanted: list[tuple[str, SecretRef]]) -> None:
    values = [SecretResolver(KEY, stack).value(ref)[:40] for stack, ref in wanted]
    assert len(set(values)) == len(values)


@given(refs)
def test_another_root_key_gives_another_value_and_the_same_one_the_same(ref: SecretRef) -> None:
    value = SecretResolver(KEY, "gm9901-prod").value(ref)
    assert SecretResolver(bytes(32), "gm9901-prod").value(ref) != value
    assert SecretResolver(KEY, "gm9901-prod").value(ref) == value


@given(st.lists(st.one_of(st.text(max_size=10), refs), max_size=5))
def test_a_text_is_its_parts_with_each_secret_filled_in_and_its_placeholder_shows_none(
    parts: list[str | SecretRef],
) -> None:
    resolver = SecretResolver(KEY, "gm9901-prod")
    made = text(*parts)
    values = [resolver.value(part) for part in parts if isinstance(part, SecretRef)]
    assert resolver.text(made) == "".join(p if isinstance(p, str) else resolver.value(p) for p in parts)
    assert not [value for value in values if value in made.placeholder()]


def test_a_root_key_survives_its_text_and_is_new_each_time() -> None:
    made = {new_root_key() for _ in range(20)}
    assert len(made) == 20
    assert all(encode(parse_root_key(key)) == key for key in made)


@given(
    st.one_of(st.text(max_size=60), st.binary(max_size=31).map(encode), st.binary(min_size=33, max_size=64).map(encode))
)
def test_a_wrong_root_key_is_refused_and_not_shown(wrong: str) -> None:
    try:
        key = parse_root_key(wrong)
    except InputError as error:
        assert len(wrong) < 8 or wrong not in str(error)
    else:
        assert len(key) == 32


def test_a_secret_that_nobody_supplied_names_the_command_that_supplies_it() -> None:
    ref = SecretRef("given", "openzaak/smtp")
    with pytest.raises(InputError, match="pulumi config set --secret ggi:openzaak/smtp -s gm9901-prod"):
        SecretResolver(KEY, "gm9901-prod").value(ref)
    assert SecretResolver(KEY, "gm9901-prod", {"openzaak/smtp": "x"}.get).value(ref) == "x"
