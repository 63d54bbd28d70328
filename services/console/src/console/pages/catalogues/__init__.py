"""Catalogues: what did my system send?"""
