@app.get("/")
def f(a=g()):
    return a
