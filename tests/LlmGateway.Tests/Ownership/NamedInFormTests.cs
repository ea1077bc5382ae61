using System.Text;
using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

/// <summary>Which objects a form in parts names, wherever it is cut and however lenient its reader is.</summary>
public sealed class NamedInFormTests
{
    [Theory]
    [InlineData("Content-Disposition: form-data; name=\"file_id\"\r\n\r\nfile-1", "file-1")]
    [InlineData("content-disposition: form-data; name=file_id\r\n\r\nfile-1", "file-1")]
    [InlineData("Content-Type: text/plain\r\nContent-Disposition: form-data;\r\n name=\"file_ids[]\"\r\nX-More: 1\r\n\r\nfile-1", "file-1")]
    [InlineData("Content-Disposition: form-data; name=\"container[file_ids][0]\"\n\nfile-1", "file-1")]
    [InlineData("Content-Disposition: form-data; name=\"file_id\"; filename=\"\"\r\n\r\nfile-1", "file-1")]
    [InlineData("Content-Disposition: form-data; name*=utf-8''file%5Fid\r\n\r\nfile-1", "file-1")]
    [InlineData("Content-Disposition: form-data; name=\"file\\_id\"\r\n\r\n\r\n file-1 \r\n", "file-1")]
    [InlineData("Content-Disposition: form-data; name=\"file_ids\"\r\n\r\nfile-1,file-2", "file-1 file-2")]
    [InlineData("Content-Disposition: form-data; name=\"tools\"\r\n\r\n[{\"vector_store_ids\":[\"vs_1\"]}]", "vs_1")]
    [InlineData("Content-Disposition: form-data; name=\"file\"; filename=\"b.jsonl\"\r\n\r\n{\"custom_id\":\"no-1\",\"body\":{\"previous_response_id\":\"resp_1\"}}\n{\"body\":{\"file_id\":\"file-1\"}}\n", "resp_1 file-1")]
    [InlineData("Content-Disposition: form-data; name=\"file\"; filename=\"b.jsonl\"\r\n\r\nnoise \" more\n{\"file_id\":\"file-1\"}", "file-1")]
    [InlineData("Content-Disposition: form-data; name=\"file\"; filename=\"b.jsonl\"\r\n\r\n\"\\u00\r{\"file_id\":\"file-1\"}", "file-1")]
    [InlineData("Content-Disposition: form-data; name=\"model\"\r\n\r\nno-1", "")]
    [InlineData("Content-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\n\r\nno-1", "")]
    [InlineData("Content-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch", "")]
    public void Fields_and_lines_of_files_are_found(string part, string named)
    {
        var bytes = Encoding.UTF8.GetBytes($"--b\r\n{part}\r\n--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nno-9\r\n--b--\r\n");
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var form = new NamedInForm();
            form.Read(bytes.AsSpan(0, cut));
            var found = form.TakeFound().ToList();
            form.Read(bytes.AsSpan(cut));
            found.AddRange(form.TakeFound());

            // A value that is broken off is told as far as it goes, and then once more.
            Assert.Equal(named, string.Join(' ', found.Where(id => named.Length == 0 || named.Split(' ').Contains(id)).Distinct()));
        }
    }

    [Fact]
    public void A_field_is_found_before_its_end_has_gone_on()
    {
        var form = new NamedInForm();

        form.Read("--b\r\nContent-Disposition: form-data; name=file_id\r\n\r\nfile-1"u8);

        Assert.Equal(["file-1"], form.TakeFound());
    }

    [Fact]
    public void Nesting_without_end_hides_nothing_in_the_lines_behind_it()
    {
        var form = new NamedInForm();

        form.Read(Encoding.UTF8.GetBytes(new string('[', 100_000) + "\n{\"conversation\":{\"id\":\"conv_1\"}}\n"));

        Assert.Equal(["conv_1"], form.TakeFound());
    }
}
