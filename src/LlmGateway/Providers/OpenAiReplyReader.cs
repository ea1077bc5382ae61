using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>Looks through a whole completion without changing a byte of it: is it one, is it an error in disguise, what did it use.</summary>
internal static class OpenAiReplyReader
{
    public static ProviderReply Read(ReadOnlyMemory<byte> body)
    {
        if (body.Span.StartsWith("\uFEFF"u8))
        {
            body = body[3..];
        }

        if (body.IsEmpty)
        {
            return ProviderReply.Invalid("the answer was empty");
        }

        if (!Utf8.IsValid(body.Span))
        {
            return ProviderReply.Invalid("the answer was not valid UTF-8");
        }

        try
        {
            return ReadCompletion(body);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a member's name is an InvalidOperationException.
            return ProviderReply.Invalid("the answer was not valid JSON");
        }
    }

    private static ProviderReply ReadCompletion(ReadOnlyMemory<byte> body)
    {
        var reader = new Utf8JsonReader(body.Span);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return ProviderReply.Invalid("the answer was not a JSON object");
        }

        TokenUsage? usage = null;
        int choices = 0, outputBytes = 0;
        var isError = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                choices = ReadChoices(ref reader, ref outputBytes, ref isError);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                usage = reader.TokenType == JsonTokenType.StartObject ? OpenAiUsageReader.Read(ref reader) : usage;
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                isError |= reader.TokenType is not (JsonTokenType.Null or JsonTokenType.False);
                reader.Skip();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // Throws if anything but white space follows.
        reader.Read();
        if (isError)
        {
            return ProviderReply.Failed(OpenAiErrorReader.Read(200, body.Span));
        }

        if (choices == 0 && OpenAiErrorReader.IsFlatError(body.Span))
        {
            return ProviderReply.Failed(OpenAiErrorReader.Read(200, body.Span));
        }

        return choices > 0 ? new ProviderReply(body, usage, outputBytes) : ProviderReply.Invalid("the answer held no choices");
    }

    private static int ReadChoices(ref Utf8JsonReader reader, ref int outputBytes, ref bool isError)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return 0;
        }

        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var choice = new OpenAiChoice();
            if (choice.Read(ref reader))
            {
                count++;
            }

            outputBytes += choice.OutputBytes;
            isError |= choice.IsError;
        }

        return count;
    }
}
