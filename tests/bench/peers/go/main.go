// The step in Go with the AWS SDK for Go v2, and a Runtime API loop on the standard library alone,
// which is lighter than AWS's own.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	db "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/medialive"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

type plan struct {
	Knock       int `json:"knock"`
	Incarnation int `json:"incarnation"`
}

type event struct {
	DestinationID string `json:"destination_id"`
	Execution     string `json:"execution"`
	Plan          plan   `json:"plan"`
}

type item = map[string]db.AttributeValue

var (
	ledger  = aws.String(os.Getenv("LEDGER_TABLE"))
	table   *dynamodb.Client
	media   *medialive.Client
	secrets *ssm.Client
)

func text(value string) db.AttributeValue { return &db.AttributeValueMemberS{Value: value} }

func number(value int) db.AttributeValue {
	return &db.AttributeValueMemberN{Value: strconv.Itoa(value)}
}

func later(seconds int) string {
	return time.Now().UTC().Add(time.Duration(seconds) * time.Second).Format(time.RFC3339Nano)
}

func settings(service string) aws.Config {
	endpoint := os.Getenv("AWS_ENDPOINT_URL_" + service)
	return aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		EndpointResolverWithOptions: aws.EndpointResolverWithOptionsFunc(
			func(string, string, ...interface{}) (aws.Endpoint, error) { return aws.Endpoint{URL: endpoint}, nil }),
	}
}

func handle(ctx context.Context, in event, requestID string) (map[string]string, error) {
	began := time.Now()
	me := item{"destination_id": text(in.DestinationID)}
	opened, err := table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: ledger, Key: me, ReturnValues: db.ReturnValueAllOld,
		UpdateExpression:         aws.String("SET #n0 = :v0, #n3 = if_not_exists(#n3, :v3)"),
		ConditionExpression:      aws.String("#n1 = :v1 AND (attribute_not_exists(#n2) OR #n2 = :v2)"),
		ExpressionAttributeNames: map[string]string{"#n0": "intent", "#n1": "holder", "#n2": "knock", "#n3": "channel_sought"},
		ExpressionAttributeValues: item{
			":v0": &db.AttributeValueMemberM{Value: item{"operation": text("create-channel"), "until": text(later(30))}},
			":v1": text(in.Execution),
			":v2": number(in.Plan.Knock),
			":v3": &db.AttributeValueMemberM{Value: item{"incarnation": number(in.Plan.Incarnation), "at": text(later(0))}},
		},
	})
	if err != nil {
		return nil, err
	}
	inside := func(value db.AttributeValue, names ...string) db.AttributeValue {
		for _, name := range names {
			value = value.(*db.AttributeValueMemberM).Value[name]
		}
		return value
	}
	aim := inside(opened.Attributes["target"], "configuration")
	parameter := inside(aim, "stream_key_param").(*db.AttributeValueMemberS).Value
	input := inside(opened.Attributes["input"], "id").(*db.AttributeValueMemberS).Value
	key, err := secrets.GetParameter(ctx, &ssm.GetParameterInput{Name: &parameter, WithDecryption: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	body := channel(in.Plan.Incarnation, input, strings.TrimSpace(*key.Parameter.Value))
	made, err := media.CreateChannel(ctx, body)
	if err != nil {
		return nil, err
	}
	if _, err = table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: ledger, Key: me, ReturnValues: db.ReturnValueNone,
		UpdateExpression:         aws.String("SET #n0 = :v0, #n1 = :v1 REMOVE #n2"),
		ConditionExpression:      aws.String("#n3 = :v2"),
		ExpressionAttributeNames: map[string]string{"#n0": "channel", "#n1": "on_air", "#n2": "intent", "#n3": "holder"},
		ExpressionAttributeValues: item{
			":v0": &db.AttributeValueMemberM{Value: item{"id": text(*made.Channel.Id), "at": text(later(0))}},
			":v1": &db.AttributeValueMemberM{Value: item{
				"configuration": aim, "key_version": number(int(key.Parameter.Version)), "input_id": text(input),
			}},
			":v2": text(in.Execution),
		},
	}); err != nil {
		return nil, err
	}
	if _, err = table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: ledger, Key: item{"destination_id": text("channel#" + *made.Channel.Id)},
		ReturnValues: db.ReturnValueNone, UpdateExpression: aws.String("SET #n0 = :v0"),
		ExpressionAttributeNames:  map[string]string{"#n0": "serves"},
		ExpressionAttributeValues: item{":v0": text(in.DestinationID)},
	}); err != nil {
		return nil, err
	}
	line, _ := json.Marshal(map[string]interface{}{
		"level": "INFO", "worker": "create-channel", "destination_id": in.DestinationID, "request_id": requestID,
		"duration_ms": time.Since(began).Milliseconds(), "outcome": "done", "message": nil,
	})
	fmt.Println(string(line))
	return map[string]string{"did": "created"}, nil
}

func main() {
	table = dynamodb.NewFromConfig(settings("DYNAMODB"))
	media = medialive.NewFromConfig(settings("MEDIALIVE"))
	secrets = ssm.NewFromConfig(settings("SSM"))
	ctx := context.Background()
	if _, err := table.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: ledger, Key: item{"destination_id": text("flow#main")}, ConsistentRead: aws.Bool(true),
	}); err != nil {
		panic(err)
	}
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			panic(err)
		}
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		var in event
		err = json.NewDecoder(next.Body).Decode(&in)
		next.Body.Close()
		kind, answer := "/response", interface{}(nil)
		if err == nil {
			answer, err = handle(ctx, in, id)
		}
		if err != nil {
			kind, answer = "/error", map[string]string{"errorType": "Error", "errorMessage": err.Error()}
		}
		body, _ := json.Marshal(answer)
		taken, err := http.Post(base+id+kind, "application/json", bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		_, _ = new(bytes.Buffer).ReadFrom(taken.Body)
		taken.Body.Close()
	}
}
