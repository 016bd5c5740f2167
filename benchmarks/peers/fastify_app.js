// Fastify with @fastify/jwt and the mongodb driver, as their documentation shows it: hooks, schemas, one query each.
import Fastify from "fastify";
import jwt from "@fastify/jwt";
import { MongoClient } from "mongodb";
import { randomBytes } from "node:crypto";

const client = await new MongoClient(process.env.BENCH_MONGODB_URI).connect();
const db = client.db(process.env.BENCH_DATABASE);
const app = Fastify({ logger: false });
await app.register(jwt, { secret: process.env.BENCH_SECRET });

const text = { type: "string" };
const interview = {
  type: "object",
  properties: {
    id: text, title: text, interview_type: text, description: text, status: text, scheduled_at: text,
    duration_minutes: { type: "integer" }, ends_at: text, time_zone: text, location: text, created_by: text,
    created_at: text, updated_at: text,
  },
};
const page = {
  type: "object",
  properties: { items: { type: "array", items: interview }, total: { type: "integer" } },
};
const shown = ({ _id, scheduled_at, ends_at, created_at, updated_at, ...rest }) => ({
  id: _id, ...rest, scheduled_at: scheduled_at.toISOString(), ends_at: ends_at.toISOString(),
  created_at: created_at.toISOString(), updated_at: updated_at.toISOString(),
});

app.addHook("onRequest", async (request, reply) => {
  await request.jwtVerify();
  const user = await db.collection("users").findOne({ _id: request.user.sub });
  if (!user?.active) return reply.code(401).send();
});

async function member(request, reply) {
  const mine = { _id: request.params.id, "participants.user_id": request.user.sub };
  if (!(await db.collection("interviews").findOne(mine, { projection: { _id: 1 } }))) return reply.code(403).send();
}

app.get("/interviews/:id", { preHandler: member, schema: { response: { 200: interview } } }, async (request) =>
  shown(await db.collection("interviews").findOne({ _id: request.params.id })));

app.get("/interviews", { schema: { response: { 200: page } } }, async (request) => {
  const where = { "participants.user_id": request.user.sub, status: request.query.status };
  const interviews = db.collection("interviews");
  const [items, total] = await Promise.all([
    interviews.find(where).sort({ created_at: -1 }).limit(20).toArray(), interviews.countDocuments(where),
  ]);
  return { items: items.map(shown), total };
});

const body = {
  type: "object", required: ["title", "interview_type", "scheduled_at"],
  properties: { title: text, interview_type: text, scheduled_at: { type: "string", format: "date-time" } },
};
app.post("/interviews", { schema: { body, response: { 201: interview } } }, async (request, reply) => {
  const now = new Date(), at = new Date(request.body.scheduled_at);
  const document = {
    _id: randomBytes(12).toString("hex"), ...request.body, scheduled_at: at, description: null, status: "scheduled",
    duration_minutes: 60, ends_at: at, time_zone: "UTC", location: null, created_by: request.user.sub,
    created_at: now, updated_at: now, participants: [],
  };
  await db.collection("interviews").insertOne(document);
  return reply.code(201).send(shown(document));
});

await app.listen({ host: "127.0.0.1", port: Number(process.env.BENCH_PORT) });
