#!/usr/bin/python3
"""A small to-do list: one page, a JSON API, and one SQLite file.

GET  /                 the page               GET    /api/items       all items
GET  /healthz          200 when all is well   POST   /api/items       {"title": "..."}
                                              PATCH  /api/items/ID    {"done": true}
                                              DELETE /api/items/ID
"""

import json
import os
import signal
import sqlite3
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

DATABASE = os.environ.get("TODO_DATABASE", "/data/todo.db")
PORT = int(os.environ.get("TODO_PORT", "8000"))
MAX_BODY = 64 * 1024  # bytes

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>To do</title>
<style>body {{ font: 1.1em sans-serif; max-width: 32em; margin: 3em auto }} li {{ display: flex; gap: .5em; margin: .4em 0 }}
li span {{ flex: 1 }} .done {{ text-decoration: line-through; color: gray }} ul {{ padding: 0 }}</style>
<h1>To do</h1>
<form method="post" action="/add"><input name="title" required autofocus> <button>Add</button></form>
<ul>{items}</ul>
"""
ITEM = """<li><span class="{state}">{title}</span><form method="post">
<button name="id" value="{id}" formaction="/toggle">{toggle}</button>
<button name="id" value="{id}" formaction="/delete">Delete</button></form></li>"""


def query(statement, *values):
    """Runs one statement in its own transaction; returns its rows as dictionaries."""
    database = sqlite3.connect(DATABASE, timeout=10)
    database.row_factory = sqlite3.Row
    try:
        with database:
            return [dict(row, done=bool(row["done"])) for row in database.execute(statement, values)]
    finally:
        database.close()


def items():
    return query("SELECT id, title, done FROM items ORDER BY id")


def add(title):
    return query("INSERT INTO items (title) VALUES (?) RETURNING id, title, done", title)


def set_done(item, done):
    return query("UPDATE items SET done = ? WHERE id = ? RETURNING id, title, done", done, item)


def delete(item):
    return query("DELETE FROM items WHERE id = ? RETURNING id, title, done", item)


class Todo(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            rows = "".join(
                ITEM.format(id=item["id"], title=escape(item["title"]), state="done" if item["done"] else "open",
                            toggle="Undo" if item["done"] else "Done")
                for item in items()
            )
            self.answer(200, PAGE.format(items=rows), "text/html; charset=utf-8")
        elif self.path == "/api/items":
            self.answer_json(200, items())
        elif self.path == "/healthz":
            items()
            self.answer(200, "ok\n")
        else:
            self.answer(404, "not found\n")

    def do_POST(self):
        body = self.body()
        if self.path == "/api/items":
            title = json.loads(body)["title"].strip()
            return self.answer_json(201, add(title)[0]) if title else self.answer(400, "an item needs a title\n")
        form = {name: values[0].strip() for name, values in parse_qs(body).items()}
        if self.path == "/add" and form.get("title"):
            add(form["title"])
        elif self.path == "/toggle":
            query("UPDATE items SET done = NOT done WHERE id = ?", int(form["id"]))
        elif self.path == "/delete":
            delete(int(form["id"]))
        else:
            return self.answer(400, "bad request\n")
        self.answer(303, "", headers={"Location": "/"})

    def do_PATCH(self):
        self.answer_one(set_done(self.item(), bool(json.loads(self.body())["done"])))

    def do_DELETE(self):
        self.answer_one(delete(self.item()))

    def item(self):
        prefix, _, number = self.path.rpartition("/")
        if prefix != "/api/items":
            raise ValueError("no such path")
        return int(number)

    def body(self):
        length = int(self.headers.get("Content-Length", 0))
        if not 0 <= length <= MAX_BODY:
            raise ValueError("the body is too long")
        return self.rfile.read(length).decode()

    def answer_one(self, rows):
        self.answer_json(200, rows[0]) if rows else self.answer(404, "no such item\n")

    def answer_json(self, status, value):
        self.answer(status, json.dumps(value) + "\n", "application/json")

    def answer(self, status, text, kind="text/plain; charset=utf-8", headers=None):
        content = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(content), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # what a client sent makes no sense
            self.answer(400, f"bad request: {error}\n")


def main():
    query("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0)")
    server = ThreadingHTTPServer(("", PORT), Todo)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on port {PORT}, items in {DATABASE}", flush=True)
    server.serve_forever()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
