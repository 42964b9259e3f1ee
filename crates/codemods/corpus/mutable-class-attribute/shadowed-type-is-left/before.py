class A:
    def list(self):
        return 1

    a = []
