import os
import sys

def f():
	from json import (
		loads,
		dumps,
	)
	return dumps, sys
