using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmGateway.Providers.Wire;

/// <summary>How JSON is read from and written to wires.</summary>
internal static class OpenAiJson
{
    /// <summary>Text in any script stays readable and short; the output never stands inside HTML.</summary>
    public static readonly JsonWriterOptions Writing = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>Two members of one name mean two things to two readers: refused.</summary>
    public static readonly JsonDocumentOptions Reading = new() { AllowDuplicateProperties = false };
}
