// Joins the client to whoever commands the page: `hear` takes one command, `say` tells what happens.
import { Client } from "/client.js";

let client;
const tell = (said) => window.say(said);

const commands = {
    async sign_in({ server, email, password }) {
        client = new Client(server, tell);
        await client.signIn(email, password);
        tell({ event: "signed_in", me: client.me });
        client.connect();
    },
    async call({ to, about, video }) {
        await client.call(await client.conversation(to), about, video);
    },
    accept: ({ call, video }) => client.calls.get(call).accept(video),
    camera: ({ call }) => client.calls.get(call).camera(),
    hang_up: ({ call }) => client.calls.get(call).hangUp(),
    async record({ call }) {
        tell({ event: "record", ...(await client.recordOf(call)) });
    },
    async history({ conversation }) {
        const page = await client.rest("GET", `/v1/conversations/${conversation}/messages?limit=50`);
        tell({ event: "history", ...page });
    },
};

window.hear = ({ do: name, ...given }) =>
    commands[name](given).catch((error) =>
        tell({ event: "failed", doing: name, code: error.code, detail: String(error) }),
    );
tell({ event: "opened" });
