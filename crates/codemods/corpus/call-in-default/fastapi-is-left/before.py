from fastapi import Depends, Query
import fastapi


def f(a=Depends(g), b: int = fastapi.Query(3)):
    return a, b
