// The step in Node with the AWS SDK for JavaScript v3: only the clients that are needed.
"use strict";

const { DynamoDBClient, GetItemCommand, UpdateItemCommand } = require("@aws-sdk/client-dynamodb");
const { MediaLiveClient, CreateChannelCommand } = require("@aws-sdk/client-medialive");
const { SSMClient, GetParameterCommand } = require("@aws-sdk/client-ssm");
const step = require("./step");
const runtime = require("./runtime");

const settings = { maxAttempts: 1 };
const table = new DynamoDBClient(settings);
const media = new MediaLiveClient(settings);
const secrets = new SSMClient(settings);

async function handle(event, requestId) {
  const began = Date.now();
  const { Attributes: row } = await table.send(new UpdateItemCommand(step.open(event)));
  const { Parameter: key } = await secrets.send(new GetParameterCommand(step.parameter(row)));
  const made = await media.send(new CreateChannelCommand(step.channel(event, row, key.Value.trim())));
  await table.send(new UpdateItemCommand(step.close(event, row, made.Channel.Id, key.Version)));
  await table.send(new UpdateItemCommand(step.note(event, made.Channel.Id)));
  return step.log(event, requestId, began);
}

runtime.run(() => table.send(new GetItemCommand(step.warm())), handle);
