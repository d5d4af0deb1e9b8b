#!/usr/bin/env python3
"""Writes Sources/Core/Places/CountryData.swift: every ISO 3166-1 country with its continent and the
population-weighted centre of its large cities.

usage: build_countries.py PEOPLE.csv > ../Sources/Core/Places/CountryData.swift

PEOPLE.csv has the columns country, city, latitude_degrees, longitude_degrees, people, and comes from
GeoNames (City and population data: GeoNames, CC BY 4.0). The centre is the mean of the cities as
vectors, so that a country across the date line does not end up on the other side of the Earth.
"""
import csv
import math
import sys

CONTINENTS = {
    "AF": """AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA
             MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM
             ZW""",
    "AN": "AQ BV GS HM TF",
    "AS": """AE AF AM AZ BD BH BN BT CC CN CX GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB
             LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE""",
    "EU": """AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE
             LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK""",
    "NA": """AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX
             NI PA PM PR SV SX TC TT US VC VG VI""",
    "OC": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS",
    "SA": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}

# Countries without a city in PEOPLE.csv: the settlement or station, else the middle of the land.
WITHOUT_CITIES = {
    "AQ": (-77.846, 166.668), "BV": (-54.423, 3.413), "HM": (-53.1, 73.517),
    "UM": (19.282, 166.647), "GS": (-54.283, -36.493), "TF": (-49.351, 70.219),
    "IO": (-7.313, 72.411), "BQ": (12.15, -68.267), "XK": (42.673, 21.165),
    "TK": (-9.38, -171.217), "EH": (27.142, -13.187), "NF": (-29.056, 167.961),
    "CC": (-12.157, 96.823), "CX": (-10.422, 105.679), "PN": (-25.066, -130.101), "PW": (7.5, 134.624),
    "SJ": (78.223, 15.647), "PS": (31.5, 34.467), "AX": (60.097, 19.935),
}


def centre(cities):
    x = y = z = 0.0
    for latitude, longitude, people in cities:
        phi, lam = math.radians(latitude), math.radians(longitude)
        x += people * math.cos(phi) * math.cos(lam)
        y += people * math.cos(phi) * math.sin(lam)
        z += people * math.sin(phi)
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def main():
    cities = {}
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cities.setdefault(row["country"], []).append((
                float(row["latitude_degrees"]), float(row["longitude_degrees"]),
                max(1.0, float(row["people"]))))
    continent_of = {country: continent for continent, countries in CONTINENTS.items()
                    for country in countries.split()}
    unknown = sorted(set(cities) - set(continent_of))
    missing = sorted(set(continent_of) - set(cities) - set(WITHOUT_CITIES))
    if unknown or missing:
        sys.exit(f"no continent for {unknown}, no point for {missing}")
    print("// Written by geodata/build_countries.py; change that, not this.")
    print("// City and population data: GeoNames, CC BY 4.0.")
    print()
    print("/// A line each: country, continent, latitude and longitude of the population-weighted")
    print("/// centre in thousandths of a degree.")
    print('let countryData = """')
    for country in sorted(continent_of):
        latitude, longitude = (
            centre(cities[country]) if country in cities else WITHOUT_CITIES[country])
        print(f"  {country} {continent_of[country]} {round(latitude * 1000)} {round(longitude * 1000)}")
    print('  """')


main()
