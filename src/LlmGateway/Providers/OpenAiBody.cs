using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>The client's body as this target gets it: model, profile defaults, system prompt and usage request spliced in.</summary>
internal static class OpenAiBody
{
    public static SplicedBody Write(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        var body = new BodySplicer();
        var scan = request.Scan;
        SpliceModel(body, request, target.Model);
        switch (request.Operation)
        {
            case Operation.ChatCompletions:
                SpliceSampling(body, scan, target.Sampling, habits);
                SpliceChatSampling(body, scan, target.Sampling, habits);
                SpliceSystemPrompt(body, scan, request.Profile.SystemPrompt);
                SpliceEffort(body, request, habits);
                break;
            case Operation.Completions:
                SpliceSampling(body, scan, target.Sampling, habits & ~TargetHabits.RefusesMaxTokens);
                SplicePromptPrefix(body, request);
                break;
        }

        if (scan.IsStreaming)
        {
            SpliceStreamOptions(body, request, target.Provider, habits);
        }

        return body.Apply(request.Body);
    }

    private static void SpliceModel(BodySplicer body, GatewayRequest request, string model)
    {
        var scan = request.Scan;
        if (scan.Model == model)
        {
            return;
        }

        var value = Quote(model);
        if (!scan.ModelValue.IsEmpty)
        {
            body.Replace(scan.ModelValue, value);
        }
        else
        {
            Fill(body, scan, "model", value);
        }
    }

    private static void SpliceSampling(BodySplicer body, ScannedRequest scan, SamplingDefaults sampling, TargetHabits habits)
    {
        var limit = (habits & TargetHabits.RefusesMaxTokens) != 0 ? "max_completion_tokens" : "max_tokens";
        FillUnless(body, scan, RequestFields.Temperature, "temperature", Unless(habits, TargetHabits.RefusesTemperature, sampling.Temperature));
        FillUnless(body, scan, RequestFields.TopP, "top_p", Unless(habits, TargetHabits.RefusesTopP, sampling.TopP));
        FillUnless(body, scan, RequestFields.MaxTokens | RequestFields.MaxCompletionTokens, limit, sampling.MaxTokens);
        FillUnless(body, scan, RequestFields.Stop, "stop", Unless(habits, TargetHabits.RefusesStop, sampling.Stop));
        FillUnless(body, scan, RequestFields.Seed, "seed", Unless(habits, TargetHabits.RefusesSeed, sampling.Seed));
    }

    private static void SpliceChatSampling(BodySplicer body, ScannedRequest scan, SamplingDefaults sampling, TargetHabits habits)
    {
        FillUnless(body, scan, RequestFields.ReasoningEffort, "reasoning_effort", Unless(habits, TargetHabits.RefusesThinking, sampling.ReasoningEffort));
        FillUnless(body, scan, RequestFields.ResponseFormat, "response_format", sampling.WantsJson ? """{"type":"json_object"}""" : null);
    }

    private static string? Unless(TargetHabits habits, TargetHabits refusal, string? value) => (habits & refusal) != 0 ? null : value;

    private static void SpliceSystemPrompt(BodySplicer body, ScannedRequest scan, string? prompt)
    {
        if (!string.IsNullOrEmpty(prompt))
        {
            // The array holds at least one message, so a comma always follows.
            body.Insert(scan.MessagesValue.Start + 1, [.. """{"role":"system","content":"""u8, .. Quote(prompt), .. "},"u8]);
        }
    }

    /// <summary>A bare prompt has no place for a system prompt but its own beginning; token numbers have none at all.</summary>
    public static string? WhyNoSystemPrompt(GatewayRequest request) =>
        !string.IsNullOrEmpty(request.Profile.SystemPrompt) && request.Scan.InputKind is InputKind.Tokens or InputKind.TokenLists
            ? $"the system prompt of agent '{request.Profile.Name}' cannot be put in front of a prompt of token numbers"
            : null;

    private static void SplicePromptPrefix(BodySplicer body, GatewayRequest request)
    {
        if (string.IsNullOrEmpty(request.Profile.SystemPrompt))
        {
            return;
        }

        var prefix = Quote(request.Profile.SystemPrompt + "\n\n")[1..^1];
        var prompt = request.Scan.InputValue;
        var reader = new Utf8JsonReader(prompt.Of(request.Body.Span));
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                body.Insert(prompt.Start + (int)reader.TokenStartIndex + 1, prefix);
            }
        }
    }

    /// <summary>A client of another form never wrote this member: it is the gateway's wording of a switch, and goes where the model has none.</summary>
    private static void SpliceEffort(BodySplicer body, GatewayRequest request, TargetHabits habits)
    {
        var effort = request.Scan.ReasoningEffortMember;
        if (request.Surface is not null && (habits & TargetHabits.RefusesThinking) != 0 && !effort.IsEmpty)
        {
            body.RemoveMember(request.Body.Span, effort.Start, effort.End);
        }
    }

    private static void SpliceStreamOptions(BodySplicer body, GatewayRequest request, ProviderConfig provider, TargetHabits habits)
    {
        var scan = request.Scan;
        var options = scan.StreamOptionsValue;
        if ((habits & TargetHabits.RefusesStreamOptions) != 0 || (request.Surface is not null && !provider.AsksStreamUsage))
        {
            if (!options.IsEmpty)
            {
                body.RemoveMember(request.Body.Span, scan.StreamOptionsStart, options.End);
            }
        }
        else if (scan.IncludeUsage is true || !provider.AsksStreamUsage)
        {
            return;
        }
        else if (!scan.IncludeUsageValue.IsEmpty)
        {
            body.Replace(scan.IncludeUsageValue, "true"u8.ToArray());
        }
        else if (!options.IsEmpty)
        {
            var isEmpty = request.Body.Span[(options.Start + 1)..(options.End - 1)].Trim(" \t\r\n"u8).IsEmpty;
            body.Insert(options.Start + 1, isEmpty ? "\"include_usage\":true"u8.ToArray() : "\"include_usage\":true,"u8.ToArray());
        }
        else
        {
            Fill(body, scan, "stream_options", """{"include_usage":true}"""u8.ToArray());
        }
    }

    private static void FillUnless(BodySplicer body, ScannedRequest scan, RequestFields set, string name, string? value)
    {
        if (value is not null && !scan.Has(set))
        {
            Fill(body, scan, name, Encoding.UTF8.GetBytes(value));
        }
    }

    /// <summary>Adds a member, or takes the place of the client's null of that name.</summary>
    private static void Fill(BodySplicer body, ScannedRequest scan, string name, byte[] value)
    {
        foreach (var (nullName, range) in scan.NullMembers)
        {
            if (nullName == name)
            {
                body.Replace(range, value);
                return;
            }
        }

        // 'messages', 'prompt' or 'input' is always there, so a comma always follows.
        body.Insert(scan.MembersStart, Encoding.UTF8.GetBytes($"\"{name}\":{Encoding.UTF8.GetString(value)},"));
    }

    private static byte[] Quote(string text) => [(byte)'"', .. JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];
}
