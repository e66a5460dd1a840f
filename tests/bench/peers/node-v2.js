// The step in Node with the AWS SDK for JavaScript v2 as most people wrote it: the whole SDK.
"use strict";

// It would otherwise print a page about its age on every start.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const AWS = require("aws-sdk");
const step = require("./step");
const runtime = require("./runtime");

const settings = (service) => ({ endpoint: process.env[`AWS_ENDPOINT_URL_${service}`], maxRetries: 0 });
const table = new AWS.DynamoDB(settings("DYNAMODB"));
const media = new AWS.MediaLive(settings("MEDIALIVE"));
const secrets = new AWS.SSM(settings("SSM"));

async function handle(event, requestId) {
  const began = Date.now();
  const { Attributes: row } = await table.updateItem(step.open(event)).promise();
  const { Parameter: key } = await secrets.getParameter(step.parameter(row)).promise();
  const made = await media.createChannel(step.channel(event, row, key.Value.trim())).promise();
  await table.updateItem(step.close(event, row, made.Channel.Id, key.Version)).promise();
  await table.updateItem(step.note(event, made.Channel.Id)).promise();
  return step.log(event, requestId, began);
}

runtime.run(() => table.getItem(step.warm()).promise(), handle);
