using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Mistral wants tool-call ids of nine letters and digits, names a few members otherwise, refuses members that it does not know, and always
/// tells usage.
/// </summary>
internal sealed class MistralFlavor : OpenAiFlavor
{
    private const int IdLength = 9;
    private const string IdAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public override string Name => "mistral";

    public override bool IsAt(Uri baseUrl) => IsUnder(baseUrl, "mistral.ai");

    public override void EditRequest(JsonEdits body, GatewayRequest request, ProviderTarget target)
    {
        var root = body.Root;
        body.Rename(root, "seed", "random_seed");
        if (root.Find("tool_choice"u8) is { ValueKind: JsonValueKind.String } choice && choice.ValueEquals("required"u8))
        {
            body.Replace(choice, "\"any\"");
        }

        EditLimit(body, root);
        foreach (var message in JsonEdits.Objects(root.Find("messages"u8)))
        {
            OpenAiRoles.ReplaceDeveloper(body, message);
            EditId(body, message, "tool_call_id"u8);
            foreach (var call in JsonEdits.Objects(message.Find("tool_calls"u8)))
            {
                EditId(body, call, "id"u8);
            }
        }
    }

    public override OpenAiAnswerEditor CreateEditor(GatewayRequest request, ProviderTarget target) => new Editor();

    /// <summary>The same id becomes the same nine characters every time, so that call and result still belong together.</summary>
    internal static string ShortId(string id)
    {
        if (id.Length == IdLength && id.All(char.IsAsciiLetterOrDigit))
        {
            return id;
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(id));
        return string.Create(IdLength, hash, static (text, bytes) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                // Two bytes each: one alone would favour some characters.
                text[i] = IdAlphabet[((bytes[2 * i] << 8) | bytes[(2 * i) + 1]) % IdAlphabet.Length];
            }
        });
    }

    private static void EditLimit(JsonEdits body, JsonElement root)
    {
        if (root.Find("max_completion_tokens"u8) is not { } limit)
        {
            body.Remove(root, "stream_options", "max_completion_tokens");
        }
        else if (root.TryGetProperty("max_tokens"u8, out var old))
        {
            body.Replace(old, limit.GetRawText());
            body.Remove(root, "stream_options", "max_completion_tokens");
        }
        else
        {
            body.Rename(root, "max_completion_tokens", "max_tokens");
            body.Remove(root, "stream_options");
        }
    }

    private static void EditId(JsonEdits body, JsonElement parent, ReadOnlySpan<byte> name)
    {
        if (parent.Find(name) is { ValueKind: JsonValueKind.String } id && id.GetString() is { Length: > 0 } text && ShortId(text) is var shortId && shortId != text)
        {
            body.Replace(id, $"\"{shortId}\"");
        }
    }

    private sealed class Editor : OpenAiAnswerEditor
    {
        public override bool IsConcerned(ReadOnlySpan<byte> json) => json.IndexOf("\"model_length\""u8) >= 0;

        /// <summary>Strict clients fail on a reason that OpenAI does not have.</summary>
        protected override void Edit(JsonEdits edits)
        {
            foreach (var choice in JsonEdits.Objects(edits.Root.Find("choices"u8)))
            {
                if (choice.Find("finish_reason"u8) is { ValueKind: JsonValueKind.String } reason && reason.ValueEquals("model_length"u8))
                {
                    edits.Replace(reason, "\"length\"");
                }
            }
        }
    }
}
