namespace LlmGateway.Model;

/// <summary>The open session of a request: where its exchange is kept once the answer is whole.</summary>
public interface ISessionKeeper
{
    /// <param name="answer">The assistant's message as JSON in OpenAI's form.</param>
    ValueTask KeepAsync(byte[] answer);
}
