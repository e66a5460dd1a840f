"""What people are told: the messages of the topic, as a subscriber with a stock client gets them."""

import json


def subscribed(show):
    """What the topic tells: a queue that is subscribed to it. Gives all messages so far, whenever it is asked."""
    sqs, sns = show.stage.boto("sqs"), show.stage.boto("sns")
    queue = sqs.create_queue(QueueName=f"mail-{show.new_id()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = show.stage.outputs["IncidentsTopicArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
             "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)["SubscriptionArn"]
    got = []

    def read():
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told = json.loads(message["Body"])
            got.append((told["Subject"], told["Message"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return got

    yield read
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=queue)


def about(mail, word):
    """The messages with this word in their subject."""
    return [(subject, text) for subject, text in mail() if word in subject]
