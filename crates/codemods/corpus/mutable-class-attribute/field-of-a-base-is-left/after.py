from models import Base


class A(Base):
    a: list[int] = []
