// Makes the MongoDB of compose.yaml a replica set of one member, with an administrator and Parley's user. It may run again.
const { readFileSync } = require("node:fs");

const SECONDS = 120;
const secret = (name) => readFileSync(`/run/secrets/${name}`, "utf8").trim();
const uri = new URL(secret("mongodb_uri"));
const host = `${uri.hostname}:${uri.port || 27017}`;

function connected() {
  for (let second = 0; ; second += 1) {
    try {
      return connect("mongodb://127.0.0.1/admin?directConnection=true");
    } catch (error) {
      if (second === SECONDS) throw error;
      sleep(1000);
    }
  }
}

function becomePrimary(admin) {
  const members = [{ _id: 0, host }];
  for (let second = 0, refusal; ; second += 1) {
    const { isWritablePrimary, setName } = admin.hello();
    if (isWritablePrimary) return;
    if (second === SECONDS) throw refusal ?? new Error(`${host} did not become primary`);
    try {
      if (!setName) admin.adminCommand({ replSetInitiate: { _id: uri.searchParams.get("replicaSet"), members } });
    } catch (error) {
      refusal = error; // Also that of a set that is about to be loaded.
    }
    sleep(1000);
  }
}

function ensureUser(admin, user, pwd, roles) {
  if (!admin.getUser(user)) admin.createUser({ user, pwd, roles });
  else admin.updateUser(user, { pwd, roles });
}

const admin = connected();
becomePrimary(admin);
const password = secret("mongodb_admin_password");
try {
  admin.auth("admin", password);
} catch {
  // Refused unless there is no user yet.
  admin.createUser({ user: "admin", pwd: password, roles: ["root"] });
  admin.auth("admin", password);
}
ensureUser(admin, decodeURIComponent(uri.username), decodeURIComponent(uri.password), [
  { role: "readWrite", db: "parley" },
]);
print(`${host} is primary, and its users have the passwords of the secrets`);
