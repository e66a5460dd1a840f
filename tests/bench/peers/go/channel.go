package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/medialive"
	"github.com/aws/aws-sdk-go-v2/service/medialive/types"
)

// channel is what create-channel tells MediaLive.
func channel(incarnation int, input, key string) *medialive.CreateChannelInput {
	s := aws.String
	return &medialive.CreateChannelInput{
		Name: s("lunora-lunora-youtube-main"), ChannelClass: "SINGLE_PIPELINE", LogLevel: "WARNING",
		RequestId: s(fmt.Sprintf("lunora-lunora-youtube-main-%d-channel", incarnation)),
		RoleArn:   s(os.Getenv("MEDIA_LIVE_ROLE_ARN")),
		InputSpecification: &types.InputSpecification{
			Codec: "AVC", Resolution: "HD", MaximumBitrate: "MAX_10_MBPS",
		},
		InputAttachments: []types.InputAttachment{{
			InputAttachmentName: s("flow"), InputId: &input,
			InputSettings: &types.InputSettings{
				SourceEndBehavior: "CONTINUE",
				AudioSelectors: []types.AudioSelector{{
					Name: s("default"),
					SelectorSettings: &types.AudioSelectorSettings{
						AudioTrackSelection: &types.AudioTrackSelection{Tracks: []types.AudioTrack{{Track: 1}}},
					},
				}},
			},
		}},
		Destinations: []types.OutputDestination{{
			Id: s("rtmp1"),
			Settings: []types.OutputDestinationSettings{{
				Url: s("rtmps://a.rtmps.youtube.com:443/live2"), StreamName: &key,
			}},
		}},
		EncoderSettings: &types.EncoderSettings{
			TimecodeConfig: &types.TimecodeConfig{Source: "SYSTEMCLOCK"},
			AudioDescriptions: []types.AudioDescription{{
				Name: s("aac128"), AudioSelectorName: s("default"), AudioTypeControl: "FOLLOW_INPUT",
				LanguageCodeControl: "FOLLOW_INPUT",
				CodecSettings: &types.AudioCodecSettings{AacSettings: &types.AacSettings{
					Bitrate: 128000, CodingMode: "CODING_MODE_2_0", InputType: "NORMAL", Profile: "LC",
					RateControlMode: "CBR", RawFormat: "NONE", SampleRate: 48000, Spec: "MPEG4",
				}},
			}},
			VideoDescriptions: []types.VideoDescription{{
				Name: s("v1080p30"), Width: 1920, Height: 1080, RespondToAfd: "NONE", ScalingBehavior: "DEFAULT",
				Sharpness: 50,
				CodecSettings: &types.VideoCodecSettings{H264Settings: &types.H264Settings{
					RateControlMode: "CBR", Bitrate: 6000000, BufSize: 12000000, BufFillPct: 90,
					FramerateControl: "SPECIFIED", FramerateNumerator: 30, FramerateDenominator: 1,
					GopSize: 2, GopSizeUnits: "SECONDS", GopClosedCadence: 1, GopNumBFrames: 2,
					GopBReference: "DISABLED", SubgopLength: "FIXED", SceneChangeDetect: "DISABLED",
					AdaptiveQuantization: "AUTO", Profile: "HIGH", Level: "H264_LEVEL_AUTO",
					EntropyEncoding: "CABAC", ScanType: "PROGRESSIVE", ParControl: "SPECIFIED",
					ParNumerator: 1, ParDenominator: 1, NumRefFrames: 3, LookAheadRateControl: "HIGH",
					QualityLevel: "STANDARD_QUALITY", Syntax: "DEFAULT", ColorMetadata: "INSERT",
					AfdSignaling: "NONE", TimecodeInsertion: "DISABLED",
				}},
			}},
			OutputGroups: []types.OutputGroup{{
				Name: s("rtmp"),
				OutputGroupSettings: &types.OutputGroupSettings{RtmpGroupSettings: &types.RtmpGroupSettings{
					AuthenticationScheme: "COMMON", CacheFullBehavior: "DISCONNECT_IMMEDIATELY", CacheLength: 30,
					CaptionData: "ALL", InputLossAction: "EMIT_OUTPUT", RestartDelay: 5,
				}},
				Outputs: []types.Output{{
					OutputName: s("rtmp1"), VideoDescriptionName: s("v1080p30"), AudioDescriptionNames: []string{"aac128"},
					OutputSettings: &types.OutputSettings{RtmpOutputSettings: &types.RtmpOutputSettings{
						Destination:     &types.OutputLocationRef{DestinationRefId: s("rtmp1")},
						CertificateMode: "VERIFY_AUTHENTICITY", ConnectionRetryInterval: 2, NumRetries: 100,
					}},
				}},
			}},
		},
		Tags: map[string]string{
			"lunora:stack": "lunora", "lunora:destination": "youtube-main", "lunora:incarnation": "1",
		},
	}
}
