import express from "express";
import { latchkey } from "./latchkey.js";

const { needs } = latchkey({
  urls: (process.env.LATCHKEY_URLS ?? "http://127.0.0.1:8080").split(","),
  token: process.env.GATEWAY_TOKEN,
});

const app = express();
// The check comes before anything that reads the body: refused uploads are not read.
app.get("/orders", needs("orders:read"), (req, res) => res.json({ orders: [], for: req.key }));
app.post("/orders", needs("orders:write"), express.json(), (req, res) => res.status(201).json(req.body));
app.get("/me", needs(), (req, res) => res.json(req.key));

const port = process.env.PORT ?? 3000;
app.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/orders`));
