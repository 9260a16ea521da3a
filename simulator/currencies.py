"""The ISO 4217 currencies that the simulator takes, and how many decimal places each has."""

_PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
        "GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP "
        "LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK "
        "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
        "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD "
        "XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
}

EXPONENTS: dict[str, int] = {
    code: places for places, codes in _PLACES.items() for code in codes.split()
}


def format_amount(*, amount: int, currency: str) -> str:
    """Write an amount for people.

    Args:
        amount: minor units, 0 or more.

    >>> format_amount(amount=123456, currency="USD")
    'USD 1,234.56'
    >>> format_amount(amount=500, currency="JPY")
    'JPY 500'
    """
    places = EXPONENTS[currency]
    whole, part = divmod(amount, 10**places)
    decimals = f".{part:0{places}d}" if places else ""
    return f"{currency} {whole:,}{decimals}"
