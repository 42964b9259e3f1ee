#!/usr/bin/env python3
# Licence.
class A:
    a = []; b = 1
