// The inputs of create-channel's calls, the same for both SDKs of Node: only how a call is sent
// differs. Written as the worker writes them, so that the endpoint hears the same.
"use strict";

const body = require("./create-channel.json");

const LEDGER = process.env.LEDGER_TABLE;
const RETURN_OLD = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
const text = (value) => ({ S: value });
const later = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

exports.warm = () => ({ TableName: LEDGER, Key: { destination_id: text("flow#main") }, ConsistentRead: true });

exports.open = (event) => ({
  TableName: LEDGER,
  Key: { destination_id: text(event.destination_id) },
  UpdateExpression: "SET #n0 = :v0, #n3 = if_not_exists(#n3, :v3)",
  ConditionExpression: "#n1 = :v1 AND (attribute_not_exists(#n2) OR #n2 = :v2)",
  ExpressionAttributeNames: { "#n0": "intent", "#n1": "holder", "#n2": "knock", "#n3": "channel_sought" },
  ExpressionAttributeValues: {
    ":v0": { M: { operation: text("create-channel"), until: text(later(30)) } },
    ":v1": text(event.execution),
    ":v2": { N: String(event.plan.knock) },
    ":v3": { M: { incarnation: { N: String(event.plan.incarnation) }, at: text(later(0)) } },
  },
  ReturnValues: "ALL_OLD",
  ...RETURN_OLD,
});

exports.parameter = (row) => ({
  Name: row.target.M.configuration.M.stream_key_param.S,
  WithDecryption: true,
});

exports.channel = (event, row, key) => ({
  ...body,
  InputAttachments: [{ ...body.InputAttachments[0], InputId: row.input.M.id.S }],
  Destinations: [{ Id: "rtmp1", Settings: [{ Url: body.Destinations[0].Settings[0].Url, StreamName: key }] }],
  RoleArn: process.env.MEDIA_LIVE_ROLE_ARN,
  RequestId: `${body.Name}-${event.plan.incarnation}-channel`,
});

exports.close = (event, row, id, version) => ({
  TableName: LEDGER,
  Key: { destination_id: text(event.destination_id) },
  UpdateExpression: "SET #n0 = :v0, #n1 = :v1 REMOVE #n2",
  ConditionExpression: "#n3 = :v2",
  ExpressionAttributeNames: { "#n0": "channel", "#n1": "on_air", "#n2": "intent", "#n3": "holder" },
  ExpressionAttributeValues: {
    ":v0": { M: { id: text(id), at: text(later(0)) } },
    ":v1": {
      M: {
        configuration: row.target.M.configuration,
        key_version: { N: String(version) },
        input_id: row.input.M.id,
      },
    },
    ":v2": text(event.execution),
  },
  ReturnValues: "NONE",
  ...RETURN_OLD,
});

exports.note = (event, id) => ({
  TableName: LEDGER,
  Key: { destination_id: text(`channel#${id}`) },
  UpdateExpression: "SET #n0 = :v0",
  ExpressionAttributeNames: { "#n0": "serves" },
  ExpressionAttributeValues: { ":v0": text(event.destination_id) },
  ReturnValues: "NONE",
  ...RETURN_OLD,
});

exports.log = (event, requestId, began) => {
  console.log(JSON.stringify({
    level: "INFO", worker: "create-channel", destination_id: event.destination_id, request_id: requestId,
    duration_ms: Date.now() - began, outcome: "done", message: null,
  }));
  return { did: "created" };
};
