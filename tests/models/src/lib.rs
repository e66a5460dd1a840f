//! DynamoDB with its stream and Parameter Store in process, as the SDKs speak them.
