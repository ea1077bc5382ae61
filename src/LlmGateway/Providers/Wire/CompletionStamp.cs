namespace LlmGateway.Providers.Wire;

/// <summary>What a completion and all chunks of one stream have in common.</summary>
/// <param name="Id">OpenAI's <c>id</c>.</param>
/// <param name="Created">Unix time in seconds.</param>
/// <param name="Model">The model that answers.</param>
/// <param name="UsesFunctions">Whether the client gave the deprecated <c>functions</c>: then a call is told as the one <c>function_call</c> that such a client reads.</param>
internal sealed record CompletionStamp(string Id, long Created, string Model, bool UsesFunctions = false)
{
    public static CompletionStamp New(string model, TimeProvider time, Func<Guid> newGuid, bool usesFunctions = false) =>
        new($"chatcmpl-{newGuid():N}", time.GetUtcNow().ToUnixTimeSeconds(), model, usesFunctions);
}
