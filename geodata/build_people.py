#!/usr/bin/env python3
"""Writes Sources/ControlPlane/Simulating/PeopleData.swift: where people live, by city.

usage: build_people.py people.csv > ../Sources/ControlPlane/Simulating/PeopleData.swift

people.csv has the columns country, city, latitude_degrees, longitude_degrees, people, and comes from
GeoNames (City and population data: GeoNames, CC BY 4.0). Each country's people are spread over its
listed cities by their size.
"""
import csv
import sys
import textwrap


def main():
    countries = {}
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            countries.setdefault(row["country"], []).append("%d,%d,%d" % (
                round(float(row["latitude_degrees"]) * 1000),
                round(float(row["longitude_degrees"]) * 1000), float(row["people"])))
    words = [word for country in sorted(countries) for word in [country] + countries[country]]
    print("// Written by geodata/build_people.py; change that, not this.")
    print("// City and population data: GeoNames, CC BY 4.0.")
    print()
    print("/// Words between spaces: a country, then its cities, each as latitude and longitude in")
    print("/// thousandths of a degree and the people there.")
    print('let peopleData = """')
    for line in textwrap.wrap(" ".join(words), 130, break_on_hyphens=False):
        print("  " + line)
    print('  """')


main()
